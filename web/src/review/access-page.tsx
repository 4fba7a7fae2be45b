/** Who looked at what, and why: for auditors. The log, what the rules find in it, and the random sample. */
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { exportAddress, type LogFilter } from '../client/api'
import { download } from '../client/request'
import { useCity } from '../ui/city'
import { useSentence } from '../ui/empty'
import { useSay } from '../ui/notice'
import { Sheet } from '../ui/sheet'
import { Switch } from '../ui/switches'
import './access-page.css'
import { asked } from './days'
import { FindingList } from './finding-list'
import { LookLog } from './look-log'
import { SampleList } from './sample-list'

const VIEWS = ['log', 'findings', 'sample'] as const
type View = (typeof VIEWS)[number]

export default function AccessPage() {
  const { t } = useTranslation()
  const { city } = useCity()
  const say = useSay()
  const sentence = useSentence()
  const [view, setView] = useState<View>('log')
  const [filter, setFilter] = useState<LogFilter>({})
  const names: Record<View, string> = {
    log: t('access.log'),
    findings: t('access.findings'),
    sample: t('access.sample'),
  }
  const seeRows = (wanted: LogFilter) => {
    setFilter(wanted)
    setView('log')
  }
  const keep = () => {
    const address = exportAddress(asked(filter, city.timezone))
    download(address, 'access.csv').catch((error: unknown) => say({ text: sentence(error), tone: 'now' }))
  }
  const tools = (
    <button type="button" className="button" onClick={keep}>
      {t('access.export')}
    </button>
  )
  return (
    <Sheet title={t('access.title')} tools={tools}>
      <div className="access">
        <Switch
          label={t('access.views')}
          options={VIEWS.map((value) => ({ value, name: names[value] }))}
          value={view}
          choose={setView}
        />
        {view === 'log' ? <LookLog filter={filter} setFilter={setFilter} /> : null}
        {view === 'findings' ? <FindingList seeRows={seeRows} /> : null}
        {view === 'sample' ? <SampleList /> : null}
      </div>
    </Sheet>
  )
}
