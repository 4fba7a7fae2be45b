/** Whom to send: the server's ranking with its reasons. Enter sends the first, a digit that one. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { operate, readCandidates } from '../client/api'
import type { Candidate } from '../client/types'
import { useCity } from '../ui/city'
import { Empty, Key, LoadFailed, Loading, useSentence } from '../ui/empty'
import { CommandKeys, newIdentifier } from '../ui/identifier'
import { useSay } from '../ui/notice'
import { distance, minutes } from '../ui/time'
import { word } from '../ui/word'
import { useDesk } from './desk'

const REASONS_SHOWN = 2

/** Sends one order. The order's id is made once per unit, so that a retry gives the same order. */
function useSend(id: string) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const desk = useDesk()
  const say = useSay()
  const sentence = useSentence()
  const [keys] = useState(() => new CommandKeys())
  const orders = useRef(new Map<string, string>())
  const [sending, setSending] = useState<string | null>(null)
  const [fault, setFault] = useState<string | null>(null)
  const send = async (candidate: Candidate) => {
    if (sending !== null) return
    const order = orders.current.get(candidate.unit) ?? newIdentifier()
    orders.current.set(candidate.unit, order)
    const body = { orders: [{ order, unit: candidate.unit }] }
    setSending(candidate.unit)
    setFault(null)
    try {
      await operate(id, 'dispatch', body, keys.keyFor(id, body))
      say({ text: t('dispatch.sent', { unit: candidate.call_sign }), tone: 'fine' })
      void client.invalidateQueries({ queryKey: ['incident', id] })
      desk.setDispatching(false)
    } catch (error) {
      setFault(sentence(error))
      setSending(null)
      void client.invalidateQueries({ queryKey: ['candidates', id] })
    }
  }
  return { send, sending, fault }
}

export function Dispatch({ id, version }: { id: string; version: number }) {
  const { t } = useTranslation()
  const { send, sending, fault } = useSend(id)
  const query = useQuery({
    queryKey: ['candidates', id, version],
    queryFn: ({ signal }) => readCandidates(id, signal),
    staleTime: 5_000,
  })
  return (
    <section className="block dispatch" aria-label={t('dispatch.title')}>
      <h3>
        {t('dispatch.title')}
        <span className="quiet">
          <Key name="Enter" /> {t('dispatch.first')} · <Key name="1–9" /> {t('dispatch.that')}
        </span>
      </h3>
      {fault === null ? null : (
        <p className="fault" role="alert">
          {fault}
        </p>
      )}
      {query.isPending ? <Loading what={t('load.candidates')} /> : null}
      {query.error === null ? null : <LoadFailed error={query.error} again={() => void query.refetch()} />}
      {query.data?.length === 0 ? <Empty title={t('dispatch.nobody')} /> : null}
      {query.data && query.data.length > 0 ? (
        <Ranking candidates={query.data} sending={sending} send={(one) => void send(one)} />
      ) : null}
    </section>
  )
}

interface RankingProps {
  candidates: Candidate[]
  sending: string | null
  send: (candidate: Candidate) => void
}

function Ranking({ candidates, sending, send }: RankingProps) {
  const list = useRef<HTMLOListElement>(null)
  useEffect(() => {
    list.current?.querySelector('button')?.focus()
  }, [])

  const press = (event: KeyboardEvent) => {
    const lines = [...(list.current?.querySelectorAll('button') ?? [])]
    const at = lines.findIndex((line) => line === document.activeElement)
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    const numbered = candidates[Number(event.key) - 1]
    if (step !== 0) lines[Math.min(lines.length - 1, Math.max(0, at + step))]?.focus()
    else if (/^[1-9]$/.test(event.key) && numbered !== undefined) send(numbered)
    else return
    event.preventDefault()
  }
  return (
    <ol className="ranking" ref={list} onKeyDown={press}>
      {candidates.map((candidate, index) => (
        <li key={candidate.unit}>
          <CandidateLine
            candidate={candidate}
            rank={index + 1}
            sending={sending === candidate.unit}
            send={send}
          />
        </li>
      ))}
    </ol>
  )
}

interface LineProps {
  candidate: Candidate
  rank: number
  sending: boolean
  send: (candidate: Candidate) => void
}

function CandidateLine({ candidate, rank, sending, send }: LineProps) {
  const { i18n } = useTranslation()
  const { organisation } = useCity()
  const zh = i18n.language.startsWith('zh')
  const reasons = candidate.reasons.slice(0, REASONS_SHOWN).map((reason) => (zh ? reason.zh : reason.en))
  const warning = candidate.warnings[0]
  return (
    <button type="button" className="candidate" aria-busy={sending} onClick={() => send(candidate)}>
      <kbd>{rank}</kbd>
      <span className="candidate-unit">
        <b>{candidate.call_sign}</b> <span className="quiet">{organisation(candidate.organisation)}</span>
      </span>
      <span className="candidate-eta">
        <b>{minutes(candidate.eta_s)}</b> {word('mode', candidate.mode)}
      </span>
      <span className="candidate-away quiet">{distance(candidate.distance_m, candidate.mode)}</span>
      <span className="candidate-why quiet">{reasons.join(' · ')}</span>
      {warning === undefined ? null : (
        <span className="candidate-warning">
          <svg viewBox="0 0 16 16" className="mark" aria-hidden="true">
            <path d="M8 2L14.5 13.5H1.5zM8 6.5V9.5M8 11.2V12" />
          </svg>
          {zh ? warning.zh : warning.en}
        </span>
      )}
    </button>
  )
}
