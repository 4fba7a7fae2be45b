/** The frame of a page of its own beside the board: a head with the way back, and room below. */
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useKeys } from './keys'
import { go } from './place'
import './sheet.css'

interface SheetProps {
  title: string
  /** Stands right of the title: what one may do with the whole page. */
  tools?: ReactNode
  children: ReactNode
}

export function Sheet({ title, tools, children }: SheetProps) {
  const { t } = useTranslation()
  const back = () => go({ page: null }, true)
  useKeys({ Escape: back })
  return (
    <div className="sheet">
      <header className="sheet-head">
        <button type="button" className="button" onClick={back}>
          {t('page.back')} <kbd>Esc</kbd>
        </button>
        <h1>{title}</h1>
        {tools === undefined ? null : <div className="sheet-tools">{tools}</div>}
      </header>
      <main className="sheet-body">{children}</main>
    </div>
  )
}
