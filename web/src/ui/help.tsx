/** The keys of the board, on `?`. */
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'

const KEYS = [
  ['↑ ↓', 'move'],
  ['Enter', 'open'],
  ['Esc', 'close'],
  ['/', 'filter'],
  ['F2', 'report'],
  ['F4', 'take'],
  ['D', 'dispatch'],
  ['Enter · 1–9', 'send'],
  ['R', 'remark'],
  ['Ctrl Enter', 'submit'],
  ['M', 'menu'],
  ['?', 'help'],
] as const

export function Help({ close }: { close: () => void }) {
  const { t } = useTranslation()
  const sheet = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    sheet.current?.showModal()
  }, [])
  return (
    <dialog ref={sheet} className="help" aria-label={t('help.title')} onClose={close} onClick={close}>
      <h2>{t('help.title')}</h2>
      <dl>
        {KEYS.map(([key, what]) => (
          <div key={what}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(`help.${what}`)}</dd>
          </div>
        ))}
      </dl>
      <button type="button" className="button" autoFocus onClick={close}>
        {t('action.close')} <kbd>Esc</kbd>
      </button>
    </dialog>
  )
}
