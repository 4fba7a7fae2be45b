/** The access log itself: filters above, the newest row first. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { type LogFilter, readAccess } from '../client/api'
import { useCity } from '../ui/city'
import { Empty, LoadFailed, Loading } from '../ui/empty'
import { asked } from './days'
import { LookFilter } from './look-filter'
import { LookRow } from './look-row'

interface LookLogProps {
  filter: LogFilter
  setFilter: (filter: LogFilter) => void
}

function useLooks(filter: LogFilter) {
  const { city } = useCity()
  return useInfiniteQuery({
    queryKey: ['access', filter],
    queryFn: ({ pageParam, signal }) => readAccess(asked(filter, city.timezone), pageParam, signal),
    initialPageParam: null as number | null,
    getNextPageParam: (last) => last.next,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
}

export function LookLog({ filter, setFilter }: LookLogProps) {
  const { t } = useTranslation()
  const looks = useLooks(filter)
  const rows = looks.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <>
      <LookFilter filter={filter} setFilter={setFilter} />
      {looks.isPending ? <Loading what={t('access.loading')} /> : null}
      {looks.error !== null && looks.data === undefined ? (
        <LoadFailed error={looks.error} again={() => void looks.refetch()} />
      ) : null}
      {looks.data !== undefined && rows.length === 0 ? (
        <Empty title={t('access.empty')}>
          <p className="quiet">{t('access.emptyHint')}</p>
        </Empty>
      ) : null}
      {rows.length > 0 ? (
        <table className="looks">
          <thead>
            <tr>
              <th>{t('access.number')}</th>
              <th>{t('access.at')}</th>
              <th>{t('access.who')}</th>
              <th>{t('access.what')}</th>
              <th>{t('access.outcome')}</th>
              <th>{t('access.why')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <LookRow key={row.number} row={row} />
            ))}
          </tbody>
        </table>
      ) : null}
      {looks.hasNextPage ? (
        <button type="button" className="button" disabled={looks.isFetching} onClick={() => void looks.fetchNextPage()}>
          {t('access.more')}
        </button>
      ) : null}
    </>
  )
}
