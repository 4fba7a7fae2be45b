/** The calls at this desk, asked for once a second; taking one fills the intake form. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { readTelephone, takeCall } from '../client/api'
import type { TelephoneCall } from '../client/types'
import { useSentence } from '../ui/empty'
import { useSay } from '../ui/notice'
import { useDesk } from './desk'
import { BLANK_DRAFT, isUntouched } from './draft'

const ASK_MS = 1_000

export function useTelephone() {
  const client = useQueryClient()
  const { data } = useQuery({ queryKey: ['telephone'], queryFn: readTelephone, refetchInterval: ASK_MS })
  const again = useCallback(() => client.invalidateQueries({ queryKey: ['telephone'] }), [client])
  return { data, again }
}

const epoch = (moment: string | null) => (moment === null ? 0 : Date.parse(moment))

/** Takes a call into the form; what somebody has written there is never written over. */
export function useTake(): (call: string) => Promise<void> {
  const { t } = useTranslation()
  const desk = useDesk()
  const say = useSay()
  const sentence = useSentence()
  const { draft, setDraft, openIntake } = desk
  return async (call) => {
    if (!isUntouched(draft) && draft.telephone !== call) {
      openIntake()
      say({ text: t('telephone.full'), tone: 'now' })
      return
    }
    try {
      const taken = await takeCall(call)
      const times = { rang: epoch(taken.ringing_at), answered: epoch(taken.answered_at) }
      setDraft((now) => {
        if (!isUntouched(now) && now.telephone !== call) return now
        const begun = isUntouched(now) ? { ...BLANK_DRAFT, id: now.id, begun: now.begun, channel: now.channel } : now
        return { ...begun, ...times, telephone: call, phone: now.phone || taken.number }
      })
      openIntake()
      say({ text: t('telephone.taken'), tone: 'fine' })
    } catch (error) {
      say({ text: sentence(error), tone: 'now' })
    }
  }
}

const isTyping = () => document.activeElement?.matches('input, textarea, select, [contenteditable]') ?? false

/** A call answered here opens the form by itself, where that takes nothing from anybody's hands. */
export function useOpenOnAnswer(calls: readonly TelephoneCall[], mine: string | null): void {
  const { draft, setDraft, intake } = useDesk()
  const take = useTake()
  const seen = useRef(new Set<string>())
  useEffect(() => {
    for (const call of calls) {
      if (call.answered_at === null || call.extension !== mine) continue
      if (draft.telephone === call.id && draft.answered === 0) {
        setDraft((now) => ({ ...now, answered: epoch(call.answered_at) }))
      }
      if (seen.current.has(call.id)) continue
      seen.current.add(call.id)
      if (draft.telephone !== call.id && !intake && isUntouched(draft) && !isTyping()) void take(call.id)
    }
  }, [calls, mine, draft, intake, setDraft, take])
}
