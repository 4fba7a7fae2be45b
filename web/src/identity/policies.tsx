/** What organisations ask of a sign-in: in force, and what each says itself. */
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { readPolicies, setPolicy } from '../client/api'
import type { PolicyView } from '../client/types'
import { useCity } from '../ui/city'
import { LoadFailed, Loading } from '../ui/empty'
import { named } from '../ui/language'
import { word } from '../ui/word'
import { Part, useDoing } from './security-page'

const ROLES = [
  'call_taker',
  'dispatcher',
  'duty_chief',
  'station_room',
  'officer',
  'analyst',
  'partner',
  'volunteer',
  'auditor',
  'administrator',
] as const
const NUMBERS = ['shortest', 'idle', 'longest', 'failures', 'lock'] as const
type Field = (typeof NUMBERS)[number]
const MINUTE = 60
const HOUR = 3600

function useFieldNames(): Record<Field, string> {
  const { t } = useTranslation()
  return {
    shortest: t('security.shortest'),
    idle: t('security.idle'),
    longest: t('security.longest'),
    failures: t('security.failures'),
    lock: t('security.lock'),
  }
}

export function Policies() {
  const { t } = useTranslation()
  const names = useFieldNames()
  const found = useQuery({ queryKey: ['policies'], queryFn: readPolicies })
  const [open, setOpen] = useState<string | null>(null)
  if (found.isPending) return <Loading what={t('page.loading')} />
  if (found.isError) return <LoadFailed error={found.error} again={() => void found.refetch()} />
  return (
    <Part title={t('security.policies')} wide>
      <p className="quiet">{t('security.policiesLead')}</p>
      <div className="policy-scroll">
        <table className="policies">
          <thead>
            <tr>
              <th>{t('security.organisation')}</th>
              {NUMBERS.map((field) => (
                <th key={field}>{names[field]}</th>
              ))}
              <th>{t('security.factorRoles')}</th>
              <th>{t('security.methods')}</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {found.data.items.map((one) => (
              <Row key={one.organisation} one={one} open={open === one.organisation} setOpen={setOpen} />
            ))}
          </tbody>
        </table>
      </div>
    </Part>
  )
}

interface RowProps {
  one: PolicyView
  open: boolean
  setOpen: (organisation: string | null) => void
}

function useOrganisationName(id: string): string {
  const { i18n } = useTranslation()
  const { organisations } = useCity()
  const found = organisations.find((each) => each.id === id)
  return found === undefined ? id : named(found, i18n.language)
}

function shown(one: PolicyView['held']): Record<Field, number> {
  return {
    shortest: one.shortest,
    idle: one.idle_s / MINUTE,
    longest: one.longest_s / HOUR,
    failures: one.failures,
    lock: one.lock_s / MINUTE,
  }
}

function Row({ one, open, setOpen }: RowProps) {
  const { t } = useTranslation()
  const name = useOrganisationName(one.organisation)
  const held = shown(one.held)
  return (
    <>
      <tr>
        <td>{one.said === null ? name : <b>{name}</b>}</td>
        {NUMBERS.map((field) => (
          <td key={field} className="number">
            {Math.round(held[field] * 10) / 10}
          </td>
        ))}
        <td>{one.held.factor_roles.map((role) => word('role', role)).join('、')}</td>
        <td>
          {one.held.methods
            .map((way) => (way === 'password' ? t('security.methodPassword') : t('security.methodOidc')))
            .join('、')}
        </td>
        <td>
          {one.may_change ? (
            <button
              type="button"
              className="button"
              aria-expanded={open}
              onClick={() => setOpen(open ? null : one.organisation)}
            >
              {t('security.change')}
            </button>
          ) : null}
        </td>
      </tr>
      {open ? (
        <tr>
          <td colSpan={NUMBERS.length + 4}>
            <PolicyForm one={one} close={() => setOpen(null)} />
          </td>
        </tr>
      ) : null}
    </>
  )
}

function start(one: PolicyView): Record<Field, string> {
  const said = one.said
  const text = (value: number | null | undefined, unit = 1) => (value == null ? '' : String(value / unit))
  return {
    shortest: text(said?.shortest),
    idle: text(said?.idle_s, MINUTE),
    longest: text(said?.longest_s, HOUR),
    failures: text(said?.failures),
    lock: text(said?.lock_s, MINUTE),
  }
}

/** What was typed, in the server's units; nothing typed is inherited. */
function asked(numbers: Record<Field, string>) {
  const value = (field: Field, unit = 1) =>
    numbers[field] === '' ? null : Math.round(Number(numbers[field]) * unit)
  return {
    shortest: value('shortest'),
    idle_s: value('idle', MINUTE),
    longest_s: value('longest', HOUR),
    failures: value('failures'),
    lock_s: value('lock', MINUTE),
  }
}

interface RoleBoxesProps {
  roles: readonly string[]
  setRoles: (roles: readonly string[]) => void
}

function RoleBoxes({ roles, setRoles }: RoleBoxesProps) {
  const { t } = useTranslation()
  return (
    <fieldset>
      <legend>{t('security.factorRoles')}</legend>
      {ROLES.map((role) => (
        <label key={role}>
          <input
            type="checkbox"
            checked={roles.includes(role)}
            onChange={(event) =>
              setRoles(event.target.checked ? [...roles, role] : roles.filter((held) => held !== role))
            }
          />
          {word('role', role)}
        </label>
      ))}
    </fieldset>
  )
}

function PolicyForm({ one, close }: { one: PolicyView; close: () => void }) {
  const { t } = useTranslation()
  const names = useFieldNames()
  const doing = useDoing()
  const [numbers, setNumbers] = useState(() => start(one))
  const [roles, setRoles] = useState<readonly string[]>(one.said?.factor_roles ?? [])
  const [reason, setReason] = useState('')
  const fields = NUMBERS.filter((field) => one.top || (field !== 'failures' && field !== 'lock'))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const body = { ...asked(numbers), factor_roles: roles.length === 0 ? null : [...roles], reason }
    void doing(() => setPolicy(one.organisation, { ...body, methods: one.said?.methods ?? null }), () => t('security.saved')).then((held) => {
      if (held !== null) close()
    })
  }
  return (
    <form className="policy-form" onSubmit={submit}>
      {fields.map((field) => (
        <label key={field}>
          {names[field]}
          <input
            className="input small"
            type="number"
            min={1}
            placeholder={t('security.inherit')}
            value={numbers[field]}
            onChange={(event) => setNumbers({ ...numbers, [field]: event.target.value })}
          />
        </label>
      ))}
      <RoleBoxes roles={roles} setRoles={setRoles} />
      <label>
        {t('security.reason')}
        <input
          className="input small"
          required
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
      </label>
      <div className="security-tools">
        <button type="submit" className="button main">
          {t('security.save')}
        </button>
        <button type="button" className="button" onClick={close}>
          {t('security.cancel')}
        </button>
      </div>
    </form>
  )
}
