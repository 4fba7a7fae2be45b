// A certified OpenID provider on loopback, with one invented account. For tests.
//   node oidc_provider.mjs PORT REDIRECT_URI
// Lines on its input: "rotate" (new signing keys). It prints "ready" after each start.
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'

const { Provider } = await import(process.env.OIDC_PROVIDER)
const [port, redirect] = process.argv.slice(2)
const issuer = `http://127.0.0.1:${port}`
let serial = 0

function provider() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  serial += 1
  const key = { ...privateKey.export({ format: 'jwk' }), kid: `key-${serial}`, use: 'sig', alg: 'RS256' }
  return new Provider(issuer, {
    jwks: { keys: [key] },
    cookies: { keys: ['an-invented-cookie-key'] },
    clients: [
      {
        client_id: 'muster',
        client_secret: 'an-invented-secret-of-the-test',
        redirect_uris: [redirect],
        post_logout_redirect_uris: [new URL('/', redirect).href],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: 'dispatcher' }) }),
    pkce: { required: () => true },
  })
}

let handle = provider().callback()
const server = createServer((request, response) => handle(request, response))
server.listen(Number(port), '127.0.0.1', () => console.log('ready'))
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'rotate') {
    handle = provider().callback()
    console.log('ready')
  }
}).on('close', () => process.exit(0))
