/** The entries of one matter, fetched from where the last fetch ended: a journal only grows. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { readEntries } from '../client/api'
import type { EntryView } from '../client/types'

const PAGE = 200

async function readFrom(id: string, held: EntryView[]): Promise<EntryView[]> {
  const entries = [...held]
  for (;;) {
    const page = await readEntries(id, entries.at(-1)?.number ?? 0, PAGE)
    entries.push(...page)
    if (page.length < PAGE) return entries
  }
}

/** `version` is the number of the newest entry known from the feed; a newer one fetches what is missing. */
export function useEntries(id: string, version: number) {
  const client = useQueryClient()
  return useQuery({
    queryKey: ['entries', id, version],
    queryFn: () => {
      const earlier = client.getQueriesData<EntryView[]>({ queryKey: ['entries', id] })
      const held = earlier.map(([, entries]) => entries ?? [])
      return readFrom(id, held.reduce((best, next) => (next.length > best.length ? next : best), []))
    },
    placeholderData: (before, query) => (query?.queryKey[1] === id ? before : undefined),
    staleTime: Number.POSITIVE_INFINITY,
  })
}
