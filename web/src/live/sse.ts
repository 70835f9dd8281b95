/** Read Server-Sent Events from a fetched body (WHATWG HTML §9.2), comments too: they prove that the line is up. */

export interface Message {
  id: string | null
  event: string
  data: string
}

/** What one read brought: whole messages, and the last id that was announced, with data or without. */
export interface Arrival {
  messages: Message[]
  lastId: string | null
}

/** `name: value` of a line; a comment has no name. */
function fieldOf(line: string): [name: string, value: string] {
  const colon = line.indexOf(':')
  if (colon < 0) return [line, '']
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')]
}

/** Is fed text and says what that completed. */
export class Parser {
  private rest = ''
  private id: string | null = null
  private event = ''
  private data: string[] = []

  read(text: string): Arrival {
    const messages: Message[] = []
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/)
    this.rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line !== '') this.take(...fieldOf(line))
      else messages.push(...this.complete())
    }
    return { messages, lastId: this.id }
  }

  private take(name: string, value: string): void {
    if (name === 'data') this.data.push(value)
    else if (name === 'event') this.event = value
    else if (name === 'id' && !value.includes('\0')) this.id = value
  }

  /** At an empty line: the message, if there is any data. */
  private complete(): Message[] {
    const { id, event, data } = this
    this.event = ''
    this.data = []
    return data.length > 0 ? [{ id, event: event || 'message', data: data.join('\n') }] : []
  }
}
