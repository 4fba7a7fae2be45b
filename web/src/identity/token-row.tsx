/** One token: what it may do, until when, when it was last used; and the way to end it. */
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { revokeToken } from '../client/api'
import type { ApiToken } from '../client/types'
import { useCity } from '../ui/city'
import { useSentence } from '../ui/empty'
import { useSay } from '../ui/notice'
import { useScopeName } from './token-scopes'

function useRevoke(token: ApiToken, changed: () => void) {
  const { t } = useTranslation()
  const say = useSay()
  const sentence = useSentence()
  return async () => {
    try {
      await revokeToken(token.id)
      say({ text: t('tokens.done', { name: token.name }), tone: 'fine' })
      changed()
    } catch (error) {
      say({ text: sentence(error), tone: 'now' })
    }
  }
}

function Revoke({ token, changed }: { token: ApiToken; changed: () => void }) {
  const { t } = useTranslation()
  const [asking, setAsking] = useState(false)
  const revoke = useRevoke(token, changed)
  if (!asking) {
    return (
      <button type="button" className="button" onClick={() => setAsking(true)}>
        {t('tokens.revoke')}
      </button>
    )
  }
  return (
    <span className="token-sure">
      {t('tokens.revokeSure', { name: token.name })}
      <button type="button" className="button main" autoFocus onClick={() => void revoke()}>
        {t('tokens.revoke')}
      </button>
      <button type="button" className="button" onClick={() => setAsking(false)}>
        {t('tokens.cancel')}
      </button>
    </span>
  )
}

export function TokenRow({ token, changed }: { token: ApiToken; changed: () => void }) {
  const { t } = useTranslation()
  const { organisation, fullTime } = useCity()
  const scopeName = useScopeName()
  const ended = token.revoked_at === null && Date.parse(token.expires_at) < Date.now()
  const over = ended || token.revoked_at !== null
  return (
    <li className={over ? 'token over' : 'token'}>
      <div className="token-name">
        <strong>{token.name}</strong>
        <code className="quiet">mst_{token.id}_…</code>
      </div>
      <div>
        {organisation(token.organisation)}
        {token.unit === null ? null : <span className="quiet"> · {token.unit}</span>}
        <div className="quiet">
          {token.networks.length === 0 ? t('tokens.any') : token.networks.join(' ')}
        </div>
      </div>
      <div className="token-scopes">
        {token.scopes.map((scope) => (
          <span key={scope}>{scopeName(scope)}</span>
        ))}
      </div>
      <div>
        {t('tokens.used')}{' '}
        {token.last_used === null ? <span className="quiet">{t('tokens.never')}</span> : fullTime(token.last_used)}
        <div className="quiet">
          {t('tokens.created')} {fullTime(token.created_at)} {t('tokens.by', { who: token.created_by })}
        </div>
      </div>
      <div className="token-end">
        {token.revoked_at !== null ? t('tokens.revoked', { at: fullTime(token.revoked_at) }) : null}
        {ended ? t('tokens.ended') : null}
        {over ? null : (
          <>
            <span>
              {t('tokens.expires')} {fullTime(token.expires_at)}
            </span>
            <Revoke token={token} changed={changed} />
          </>
        )}
      </div>
    </li>
  )
}
