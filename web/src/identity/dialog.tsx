/** A modal dialog of one question: the page waits behind it and keeps its place. */
import { type ReactNode, useEffect, useRef } from 'react'
import './dialog.css'

interface DialogProps {
  title: string
  lead?: string
  close: () => void
  children: ReactNode
}

export function Dialog({ title, lead, close, children }: DialogProps) {
  const sheet = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    sheet.current?.showModal()
  }, [])
  return (
    <dialog
      ref={sheet}
      className="ask"
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault()
        close()
      }}
    >
      <h2>{title}</h2>
      {lead === undefined ? null : <p className="quiet">{lead}</p>}
      {children}
    </dialog>
  )
}
