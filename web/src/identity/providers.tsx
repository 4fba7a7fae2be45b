/** Signing in at an outside provider: its buttons, and the own bindings. */
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { bindOwnIdentity, readOwnIdentities, readProviders, unbindOwnIdentity } from '../client/api'
import { useSentence } from '../ui/empty'
import { named } from '../ui/language'
import { useSay } from '../ui/notice'

function useProviders() {
  return useQuery({ queryKey: ['providers'], queryFn: ({ signal }) => readProviders(signal), retry: false })
}

/** Under the form of the sign-in page; nothing where no provider is configured. */
export function ProviderButtons() {
  const { t, i18n } = useTranslation()
  const providers = useProviders().data ?? []
  if (providers.length === 0) return null
  return (
    <div className="gate-providers">
      <p className="quiet">{t('tokens.orProvider')}</p>
      {providers.map((one) => (
        <a key={one.id} className="button" href={`/api/oidc/${one.id}/start?return_to=/`}>
          {t('tokens.withProvider', { name: named(one, i18n.language) })}
        </a>
      ))}
    </div>
  )
}

/** For the page of the own sign-in; nothing where no provider is configured. */
export function ProviderBindings() {
  const { t, i18n } = useTranslation()
  const say = useSay()
  const sentence = useSentence()
  const providers = useProviders().data ?? []
  const bound = useQuery({ queryKey: ['identities'], queryFn: ({ signal }) => readOwnIdentities(signal) })
  const refused = (error: unknown) => say({ text: sentence(error), tone: 'now' })
  const bind = (id: string) => bindOwnIdentity(id).then((way) => location.assign(way.location), refused)
  const unbind = (id: string) =>
    unbindOwnIdentity(id).then(() => {
      say({ text: t('tokens.unbound'), tone: 'fine' })
      void bound.refetch()
    }, refused)
  if (providers.length === 0) return null
  return (
    <section>
      <h2>{t('tokens.bindings')}</h2>
      <p className="quiet">{t('tokens.bindLead')}</p>
      <ul>
        {bound.data?.map((one) => (
          <li key={one.id}>
            {t('tokens.bound', { subject: one.subject })}{' '}
            <span className="quiet">{one.provider ?? one.issuer}</span>{' '}
            <button type="button" className="button" onClick={() => void unbind(one.id)}>
              {t('tokens.unbind')}
            </button>
          </li>
        ))}
      </ul>
      {providers.map((one) => (
        <button key={one.id} type="button" className="button" onClick={() => void bind(one.id)}>
          {t('tokens.bind', { name: named(one, i18n.language) })}
        </button>
      ))}
    </section>
  )
}
