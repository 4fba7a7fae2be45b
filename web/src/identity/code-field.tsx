/** Six digits of an authenticator app. Where `recovery` is allowed, a recovery code fits, too. */
import { useId } from 'react'
import { useTranslation } from 'react-i18next'

interface CodeFieldProps {
  value: string
  change: (value: string) => void
  recovery?: boolean
  /** Whether the keyboard goes here when it appears. */
  first?: boolean
}

export function CodeField({ value, change, recovery = false, first = true }: CodeFieldProps) {
  const { t } = useTranslation()
  const id = useId()
  return (
    <>
      <label htmlFor={id}>{recovery ? t('security.codeOrRecovery') : t('security.sixDigits')}</label>
      <input
        id={id}
        className="input code-input"
        inputMode={recovery ? 'text' : 'numeric'}
        autoComplete="one-time-code"
        autoCapitalize="characters"
        spellCheck={false}
        maxLength={40}
        autoFocus={first}
        required
        value={value}
        onChange={(event) => change(event.target.value)}
      />
    </>
  )
}
