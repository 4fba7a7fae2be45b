/** The orders of a matter: who was sent, and how far each has come. */
import { useTranslation } from 'react-i18next'
import type { Incident, IncidentRow } from '../client/types'
import { useCity } from '../ui/city'
import { word } from '../ui/word'

const ENDED = new Set(['finished', 'returned', 'lapsed', 'withdrawn'])
const STEPS = ['given', 'delivered', 'signed', 'under_way', 'on_scene', 'handling'] as const

interface OrdersProps {
  row: IncidentRow
  incident: Incident | undefined
  chooseUnit: (id: string) => void
}

export function OrderList({ row, incident, chooseUnit }: OrdersProps) {
  const { t } = useTranslation()
  const { time } = useCity()
  if (row.orders.length === 0) return null
  const times = new Map(incident?.orders.map((order) => [order.order, order.times ?? {}]))
  return (
    <section className="block" aria-label={t('orders.title')}>
      <h3>{t('orders.title')}</h3>
      <ul className="orders">
        {row.orders.map((order) => {
          const reached = times.get(order.order)?.[order.state]
          return (
            <li key={order.order} className={ENDED.has(order.state) ? 'order ended' : 'order'}>
              <button type="button" className="button plain" onClick={() => chooseUnit(order.unit)}>
                {order.call_sign}
              </button>
              <Progress state={order.state} />
              <span>{word('order', order.state)}</span>
              <time className="quiet">{reached === undefined ? '' : time(reached)}</time>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

/** Six steps from given to handling: those reached are filled. */
function Progress({ state }: { state: string }) {
  const reached = STEPS.findIndex((step) => step === state)
  return (
    <span className="steps" aria-hidden="true">
      {STEPS.map((step, index) => (
        <i key={step} className={index <= reached ? 'reached' : ''} />
      ))}
    </span>
  )
}
