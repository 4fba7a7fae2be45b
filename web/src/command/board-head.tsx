/** The head of the board: where we are, the numbers, the time, who is signed in. */
import { type KeyboardEvent, type RefObject, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Mark } from '../identity/gate'
import { HandOverButton } from '../identity/hand-over'
import { useSession, useSessionDoor } from '../identity/session'
import { PAGES } from '../pages'
import { useCity } from '../ui/city'
import { useNow } from '../ui/clock'
import { useSentence } from '../ui/empty'
import { named } from '../ui/language'
import { useKeys } from '../ui/keys'
import { useSay } from '../ui/notice'
import { go } from '../ui/place'
import { LanguageSwitch, ThemeSwitch } from '../ui/switches'
import { clockTime } from '../ui/time'
import { word } from '../ui/word'
import { SummaryNumbers } from './summary'

export function BoardHead({ help }: { help: () => void }) {
  const { t, i18n } = useTranslation()
  const { city } = useCity()
  return (
    <header className="head">
      <div className="head-name">
        <Mark />
        <h1>
          {t('app.name')} <span className="quiet">{named(city, i18n.language)}</span>
        </h1>
      </div>
      <SummaryNumbers />
      <Clock />
      <Person help={help} />
    </header>
  )
}

function Clock() {
  const { t } = useTranslation()
  const { city } = useCity()
  const now = useNow()
  return (
    <div className="head-clock">
      {city.simulated ? (
        <span className="simulated" title={t('head.simulatedTitle')}>
          {t('head.simulated')}
          {city.clock.speed > 1 ? ` ×${city.clock.speed}` : ''}
        </span>
      ) : null}
      <time>{clockTime(now, city.timezone)}</time>
    </div>
  )
}

/** A press anywhere else closes what is open. */
function usePressOutside(box: RefObject<HTMLElement | null>, open: boolean, close: () => void): void {
  const latest = useRef(close)
  useEffect(() => {
    latest.current = close
  })
  useEffect(() => {
    if (!open) return
    const press = (event: PointerEvent) => {
      if (event.target instanceof Node && box.current?.contains(event.target) === false) latest.current()
    }
    document.addEventListener('pointerdown', press)
    return () => document.removeEventListener('pointerdown', press)
  }, [box, open])
}

/** `M` unfolds the menu, the arrows walk through it (up from the head: its last line), Escape folds it. */
function useMenuKeys(open: boolean, setOpen: (on: boolean) => void) {
  const summary = useRef<HTMLElement>(null)
  const unfold = () => {
    setOpen(true)
    summary.current?.focus()
  }
  useKeys({ m: unfold, M: unfold })
  const press = (event: KeyboardEvent<HTMLElement>) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (!open || (step === 0 && event.key !== 'Escape')) return
    event.preventDefault()
    if (step === 0) {
      setOpen(false)
      summary.current?.focus()
      return
    }
    const lines = [...event.currentTarget.querySelectorAll<HTMLElement>('summary, button')]
    const at = lines.findIndex((line) => line === document.activeElement)
    lines[(at + step + lines.length) % lines.length]?.focus()
  }
  return { summary, press }
}

function Person({ help }: { help: () => void }) {
  const { t } = useTranslation()
  const session = useSession()
  const { leave } = useSessionDoor()
  const say = useSay()
  const sentence = useSentence()
  const [open, setOpen] = useState(false)
  const box = useRef<HTMLDetailsElement>(null)
  usePressOutside(box, open, () => setOpen(false))
  const roles = [...new Set(session.grants.map((grant) => word('role', grant.role)))].join('、')
  const { summary, press } = useMenuKeys(open, setOpen)
  const out = () => leave().catch((error: unknown) => say({ text: sentence(error), tone: 'now' }))
  return (
    <details
      ref={box}
      className="person"
      open={open}
      onToggle={(event) => setOpen(event.currentTarget.open)}
      onKeyDown={press}
    >
      <summary ref={summary} aria-label={t('head.menu')} aria-keyshortcuts="M">
        <span className="person-name">{session.person.name}</span>
        <span className="quiet person-roles">{roles}</span>
      </summary>
      <div className="person-menu">
        <p className="person-full">
          <b>{session.person.name}</b> <span className="quiet">{roles}</span>
        </p>
        <LanguageSwitch />
        <ThemeSwitch />
        <button
          type="button"
          className="button"
          onClick={() => {
            setOpen(false)
            help()
          }}
        >
          {t('head.keys')} <kbd>?</kbd>
        </button>
        <PageLinks />
        <HandOverButton opened={() => setOpen(false)} />
        <button type="button" className="button" onClick={() => void out()}>
          {t('head.signOut')}
        </button>
      </div>
    </details>
  )
}

function PageLinks() {
  const { t } = useTranslation()
  const session = useSession()
  const held = new Set(session.grants.map((grant) => grant.role))
  const mine = PAGES.filter(({ roles }) => roles === null || roles.some((role) => held.has(role)))
  return (
    <nav className="person-pages" aria-label={t('page.more')}>
      {mine.map(({ name }) => (
        <button type="button" className="button" key={name} onClick={() => go({ page: name }, true)}>
          {t(`${name}.title`)}
        </button>
      ))}
    </nav>
  )
}
