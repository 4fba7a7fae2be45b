/** A random UUID (version 4). `crypto.randomUUID` exists only on HTTPS and localhost; this works anywhere. */
export function newIdentifier(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/**
 * Command ids for one form: the same words get the same id, so that sending again after a broken line
 * does the thing once; other words are another command.
 */
export class CommandKeys {
  private words = ''
  private key = ''

  keyFor(...parts: unknown[]): string {
    const words = JSON.stringify(parts)
    if (words !== this.words) {
      this.words = words
      this.key = newIdentifier()
    }
    return this.key
  }

  /** After the server has answered: the next command is a new one even with the same words. */
  done(): void {
    this.words = ''
  }
}
