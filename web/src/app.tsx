/** Which page: the one-time set-up, the sign-in, or the board (its code is fetched while one signs in). */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { Refusal } from './client/request'
import { First } from './identity/first'
import { FirstStep } from './identity/first-step'
import { HandedOver } from './identity/hand-over'
import { ProveAgain } from './identity/prove-again'
import { SessionProvider, useSession, useSessionDoor } from './identity/session'
import { SignIn } from './identity/sign-in'
import { SignInChanges } from './identity/sign-in-changes'
import { PAGES } from './pages'
import { PageBoundary } from './ui/boundary'
import { CityProvider } from './ui/city'
import { Empty, LoadFailed, Loading } from './ui/empty'
import { NoticeLine, NoticeProvider } from './ui/notice'
import { usePlace } from './ui/place'
import { Sheet } from './ui/sheet'
import { ThemeProvider } from './ui/theme'
import { word } from './ui/word'

/** The board, or the page of its own that the address names. */
function Page() {
  const { t } = useTranslation()
  const { page } = usePlace()
  const { grants } = useSession()
  const found = PAGES.find((one) => one.name === page)
  if (found === undefined) {
    return (
      <Suspense fallback={<Loading what={t('load.board')} />}>
        <Board />
      </Suspense>
    )
  }
  const { name, roles, Body } = found
  if (roles !== null && !grants.some((grant) => roles.includes(grant.role))) {
    return (
      <Sheet title={t(`${name}.title`)}>
        <Empty title={t('page.notYours')}>
          <p>{t('page.notYoursHint', { roles: roles.map((role) => word('role', role)).join('、') })}</p>
        </Empty>
      </Sheet>
    )
  }
  return (
    <Suspense fallback={<Loading what={t('page.loading')} />}>
      <NoticeProvider>
        <CityProvider>
          <Body />
          <NoticeLine />
        </CityProvider>
      </NoticeProvider>
    </Suspense>
  )
}

const loadBoard = () => import('./command/board')
const Board = lazy(loadBoard)

const LAST_EXPECTED = 500

const client = new QueryClient({
  defaultOptions: {
    queries: {
      refetchOnWindowFocus: false,
      // A refusal is an answer; only an unreachable or broken server is worth asking again.
      retry: (count, error) =>
        count < 2 && (!(error instanceof Refusal) || error.status === 0 || error.status >= LAST_EXPECTED),
      networkMode: 'always',
    },
    mutations: { networkMode: 'always', retry: false },
  },
})

function Door() {
  const { t } = useTranslation()
  const { state, ask } = useSessionDoor()
  const { page } = usePlace()
  if (state.step === 'asking') return <Loading what={t('load.session')} />
  if (state.step === 'failed') return <LoadFailed error={state.error} again={ask} />
  if (state.step === 'out') {
    void loadBoard()
    return <SignIn />
  }
  const lost = state.step === 'lost'
  if (!lost && state.session.needs !== '') return <FirstStep needs={state.session.needs} />
  return (
    <>
      <div inert={lost} className={lost ? 'behind' : ''} key={state.session.person.id}>
        <PageBoundary key={page ?? 'board'}>
          <Page />
        </PageBoundary>
      </div>
      {lost ? <SignIn again known={state.session.person.username} /> : null}
      {lost ? null : <SignInChanges />}
      <HandedOver />
      <ProveAgain name={state.session.person.name} />
    </>
  )
}

export function App() {
  const address = new URL(location.href)
  const first = address.pathname.replace(/\/+$/, '').endsWith('/first')
  return (
    <ThemeProvider>
      <QueryClientProvider client={client}>
        {first ? (
          <First token={address.searchParams.get('token') ?? ''} />
        ) : (
          <SessionProvider>
            <Door />
          </SessionProvider>
        )}
      </QueryClientProvider>
    </ThemeProvider>
  )
}
