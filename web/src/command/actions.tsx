/** What may be done with a matter now, and the short form each deed needs. */
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useEffect, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { operate, type Operation } from '../client/api'
import { serverNow } from '../ui/clock'
import { Key, useSentence } from '../ui/empty'
import { CommandKeys } from '../ui/identifier'
import { useKeys } from '../ui/keys'
import { useSay } from '../ui/notice'
import { word } from '../ui/word'
import { useDesk } from './desk'
import { bodyOf, type Offer, offers } from './operations'

interface ActionsProps {
  id: string
  state: string
  may: readonly string[]
  dispatching: boolean
}

export function Actions({ id, state, may, dispatching }: ActionsProps) {
  const { t } = useTranslation()
  const desk = useDesk()
  const [chosen, setChosen] = useState<Operation | null>(null)
  const list = offers(may, state)
  const has = (operation: Operation) => list.some((offer) => offer.operation === operation)
  const choose = (operation: Operation) => {
    desk.setDispatching(operation === 'dispatch')
    setChosen(operation === 'dispatch' ? null : operation)
  }
  useKeys({
    ...(has('dispatch') ? { d: () => choose('dispatch'), D: () => choose('dispatch') } : {}),
    ...(has('remark') ? { r: () => choose('remark'), R: () => choose('remark') } : {}),
  })
  const offer = list.find((one) => one.operation === chosen)
  // A unit signs while somebody writes: the words stay, unless the deed itself is no longer possible.
  const gone = chosen !== null && offer === undefined
  useEffect(() => {
    if (gone) setChosen(null)
  }, [gone])
  if (list.length === 0) return null
  return (
    <section className="block" aria-label={t('action.title')}>
      <div className="actions">
        {list.map((one) => (
          <button
            key={one.operation}
            type="button"
            className={one.main ? 'button main' : 'button'}
            aria-pressed={one.operation === chosen || (one.operation === 'dispatch' && dispatching)}
            onClick={() => choose(one.operation)}
          >
            {word('operation', nameOf(one.operation, state))}
            {one.operation === 'dispatch' ? <Key name="D" /> : null}
            {one.operation === 'remark' ? <Key name="R" /> : null}
          </button>
        ))}
      </div>
      {offer === undefined ? null : (
        <Deed key={offer.operation} id={id} offer={offer} done={() => setChosen(null)} />
      )}
    </section>
  )
}

/** Sending another unit to a matter that has one is called reinforcing it. */
function nameOf(operation: Operation, state: string): string {
  return operation === 'dispatch' && state !== 'waiting' && state !== 'received' ? 'reinforce' : operation
}

/** Sends one operation, once, however often the button is pressed or the line breaks. */
function useDeed(id: string, operation: Operation, done: () => void) {
  const client = useQueryClient()
  const say = useSay()
  const sentence = useSentence()
  const [keys] = useState(() => new CommandKeys())
  const [moment] = useState(() => new Date(serverNow()))
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const send = async (words: string, rating: number) => {
    const body = bodyOf(operation, words, rating, moment)
    setBusy(true)
    setFault(null)
    try {
      await operate(id, operation, body, keys.keyFor(id, operation, body))
      keys.done()
      say({ text: word('done', operation), tone: 'fine' })
      void client.invalidateQueries({ queryKey: ['incident', id] })
      done()
    } catch (error) {
      setFault(sentence(error))
      setBusy(false)
    }
  }
  return { busy, fault, send }
}

interface DeedProps {
  id: string
  offer: Offer
  done: () => void
}

function Deed({ id, offer, done }: DeedProps) {
  const { t } = useTranslation()
  const { busy, fault, send } = useDeed(id, offer.operation, done)
  const [words, setWords] = useState('')
  const [rating, setRating] = useState(0)
  const field = useId()
  const needsWords = offer.asked === 'text' || offer.asked === 'reason'
  const ready = offer.asked === 'rating' ? rating > 0 : !needsWords || words.trim() !== ''
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (ready && !busy) void send(words, rating)
  }
  return (
    <form
      className="deed"
      aria-label={word('operation', offer.operation)}
      onSubmit={submit}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit(event)
        if (event.key !== 'Escape') return
        event.preventDefault()
        done()
      }}
    >
      {offer.asked === 'rating' ? <Ratings value={rating} choose={setRating} /> : null}
      {offer.asked === 'none' ? <p className="quiet">{word('ask', offer.operation)}</p> : null}
      {offer.asked === 'none' ? null : (
        <>
          <label htmlFor={field}>{word('ask', offer.operation)}</label>
          <textarea
            id={field}
            className="input"
            rows={2}
            autoFocus={offer.asked !== 'rating'}
            maxLength={offer.asked === 'reason' ? 500 : 1000}
            value={words}
            onChange={(event) => setWords(event.target.value)}
          />
        </>
      )}
      {fault === null ? null : (
        <p className="fault" role="alert">
          {fault}
        </p>
      )}
      <div className="actions">
        <button type="submit" className="button main" disabled={!ready || busy} autoFocus={offer.asked === 'none'}>
          {t('action.confirm', { what: word('operation', offer.operation) })}
        </button>
        <button type="button" className="button plain" onClick={done}>
          {t('action.cancel')}
        </button>
      </div>
    </form>
  )
}

function Ratings({ value, choose }: { value: number; choose: (rating: number) => void }) {
  const { t } = useTranslation()
  const group = useId()
  return (
    <fieldset className="ratings">
      <legend>{t('action.rating')}</legend>
      {[1, 2, 3].map((rating) => (
        <label key={rating}>
          <input
            type="radio"
            name={group}
            autoFocus={rating === 1}
            checked={value === rating}
            onChange={() => choose(rating)}
          />
          {word('rating', String(rating))}
        </label>
      ))}
    </fieldset>
  )
}
