/** States without content: loading, failed, nothing there. Each says what to do next. */
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Refusal } from '../client/request'

export function Loading({ what }: { what: string }) {
  return (
    <div className="blank" role="status">
      {what}
    </div>
  )
}

/** What an error says to the reader: the server's sentence, or ours when it could not be reached. */
export function useSentence(): (error: unknown) => string {
  const { t, i18n } = useTranslation()
  return (error) => {
    if (!(error instanceof Refusal)) return t('error.unexpected')
    if (error.status === 0) return t('error.unreachable')
    return error.sentence(i18n.language) ?? t('error.unclear', { status: error.status })
  }
}

/** "Not for you" and "there is none" are answers: asking the same again changes nothing. */
const FINAL: readonly number[] = [403, 404]

interface LoadFailedProps {
  error: unknown
  again: () => void
  /** Another way on, beside asking again. */
  children?: ReactNode
}

export function LoadFailed({ error, again, children }: LoadFailedProps) {
  const { t } = useTranslation()
  const sentence = useSentence()
  const final = error instanceof Refusal && FINAL.includes(error.status)
  return (
    <div className="blank" role="alert">
      <p>{sentence(error)}</p>
      {final ? null : (
        <button type="button" className="button" onClick={again}>
          {t('action.again')}
        </button>
      )}
      {children}
    </div>
  )
}

/** Nothing to show, and the key or step that would fill it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="blank">
      <p className="blank-title">{title}</p>
      {children}
    </div>
  )
}

export function Key({ name }: { name: string }) {
  return <kbd>{name}</kbd>
}
