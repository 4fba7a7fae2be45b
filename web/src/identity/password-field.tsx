/** A password being chosen: shown or hidden as one likes, and judged by the rules the server will follow. */
import { useEffect, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { PasswordJudged } from '../client/types'
import './password-field.css'

interface FieldProps {
  label: string
  value: string
  change: (value: string) => void
  completion: 'current-password' | 'new-password'
  /** Asks the server whether it will do; without, nothing is said about it. */
  judge?: ((password: string) => Promise<PasswordJudged>) | undefined
}

const PAUSE_MS = 300

/** What the server says of what was typed, once the typing pauses; null: nothing yet, or no answer. */
function useJudged(value: string, judge: FieldProps['judge']): PasswordJudged | null {
  const [found, setFound] = useState<{ of: string; said: PasswordJudged } | null>(null)
  useEffect(() => {
    if (judge === undefined || value === '') return
    let gone = false
    const timer = setTimeout(() => {
      judge(value).then(
        (said) => {
          if (!gone) setFound({ of: value, said })
        },
        () => {
          // Only a hint: the change itself says what is wrong.
          if (!gone) setFound(null)
        },
      )
    }, PAUSE_MS)
    return () => {
      gone = true
      clearTimeout(timer)
    }
  }, [value, judge])
  return found !== null && found.of === value && value !== '' ? found.said : null
}

export function PasswordField({ label, value, change, completion, judge }: FieldProps) {
  const { t } = useTranslation()
  const id = useId()
  const [shown, setShown] = useState(false)
  return (
    <div className="gate-field">
      <label htmlFor={id}>{label}</label>
      <span className="password-field">
        <input
          id={id}
          className="input"
          type={shown ? 'text' : 'password'}
          autoComplete={completion}
          autoCapitalize="none"
          spellCheck={false}
          required
          maxLength={256}
          value={value}
          aria-describedby={judge === undefined ? undefined : `${id}said`}
          onChange={(event) => change(event.target.value)}
        />
        <button type="button" className="button" aria-pressed={shown} onClick={() => setShown(!shown)}>
          {shown ? t('security.hide') : t('security.show')}
        </button>
      </span>
      {judge === undefined ? null : <Judged id={`${id}said`} value={value} judge={judge} />}
    </div>
  )
}

/** Honest: length and common ones are all that is checked, so that is all it says. */
function Judged({ id, value, judge }: { id: string; value: string; judge: FieldProps['judge'] }) {
  const { t, i18n } = useTranslation()
  const said = useJudged(value, judge)
  const count = [...value].length
  const words = () => {
    if (value === '') return t('security.passwordHint')
    if (said === null) return t('security.passwordLength', { count })
    if (said.code === '') return t('security.passwordGood', { count })
    return i18n.language.startsWith('zh') ? said.says_zh : said.says_en
  }
  const tone = said === null ? 'quiet' : said.code === '' ? 'fine' : 'short'
  return (
    <p id={id} className={`hint password-said ${tone}`} aria-live="polite">
      {words()}
    </p>
  )
}
