/** Stands in for a page whose code could not be fetched, or that broke: the rest goes on, and there is a way out. */
import { Component, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Empty } from './empty'
import { go, usePlace } from './place'

export class PageBoundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false }

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true }
  }

  override render(): ReactNode {
    return this.state.broken ? <Broken /> : this.props.children
  }
}

function Broken() {
  const { t } = useTranslation()
  const { page } = usePlace()
  return (
    <main role="alert">
      <Empty title={t('page.broken')}>
        <p>{t('page.brokenHint')}</p>
        <button type="button" className="button main" autoFocus onClick={() => location.reload()}>
          {t('page.reload')}
        </button>
        {page === null ? null : (
          <button type="button" className="button" onClick={() => go({ page: null })}>
            {t('page.back')}
          </button>
        )}
      </Empty>
    </main>
  )
}
