/** How long words stay: what waits for review, what is due, what is held and sealed, what went. */
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { dueExport, GONE_EXPORT, type Sought } from '../client/api'
import { Sheet } from '../ui/sheet'
import { Switch } from '../ui/switches'
import { ClassTable } from './class-table'
import { DueList } from './due-list'
import { GoneList } from './gone-list'
import { HoldList, SealingList } from './held-lists'
import './retention-page.css'

const VIEWS = ['review', 'due', 'holds', 'sealings', 'gone', 'classes'] as const
type View = (typeof VIEWS)[number]

const REVIEW: Sought = { statuses: ['review', 'proposed'], of: '', until: '', after: null }
const DUE: Sought = { statuses: [], of: '', until: '', after: null }

export default function RetentionPage() {
  const { t } = useTranslation()
  const [view, setView] = useState<View>('review')
  const [due, setDue] = useState<Sought>(DUE)
  const [review, setReview] = useState<Sought>(REVIEW)
  const names: Record<View, string> = {
    review: t('retention.review'),
    due: t('retention.due'),
    holds: t('retention.holds'),
    sealings: t('retention.sealings'),
    gone: t('retention.gone'),
    classes: t('retention.classes'),
  }
  const exported = view === 'due' ? dueExport(due) : view === 'gone' ? GONE_EXPORT : null
  const tools =
    exported === null ? undefined : (
      <a className="button" href={exported} download>
        {t('retention.export')}
      </a>
    )
  return (
    <Sheet title={t('retention.title')} tools={tools}>
      <div className="keeping">
        <Switch
          label={t('retention.views')}
          options={VIEWS.map((value) => ({ value, name: names[value] }))}
          value={view}
          choose={setView}
        />
        {view === 'review' ? (
          <DueList
            key="review"
            sought={review}
            setSought={setReview}
            none={{ title: t('retention.noReview'), hint: t('retention.noReviewHint') }}
          />
        ) : null}
        {view === 'due' ? (
          <DueList
            key="due"
            sought={due}
            setSought={setDue}
            none={{ title: t('retention.noDue'), hint: t('retention.noDueHint') }}
          />
        ) : null}
        {view === 'holds' ? <HoldList /> : null}
        {view === 'sealings' ? <SealingList /> : null}
        {view === 'gone' ? <GoneList /> : null}
        {view === 'classes' ? <ClassTable /> : null}
      </div>
    </Sheet>
  )
}
