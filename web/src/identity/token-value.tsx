/** A fresh token, the only time anybody can read it. */
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

export function TokenValue({ value, close }: { value: string; close: () => void }) {
  const { t } = useTranslation()
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(value)
    setCopied(true)
  }
  return (
    <section className="token-value" aria-live="polite">
      <p>
        <strong>{t('tokens.once')}</strong> <span className="quiet">{t('tokens.sendAs')}</span>
      </p>
      <code tabIndex={0}>{value}</code>
      <div className="token-tools">
        {'clipboard' in navigator ? (
          <button type="button" className="button main" onClick={() => void copy()}>
            {copied ? t('tokens.copied') : t('tokens.copy')}
          </button>
        ) : null}
        <button type="button" className="button" onClick={close}>
          {t('tokens.stored')}
        </button>
      </div>
    </section>
  )
}
