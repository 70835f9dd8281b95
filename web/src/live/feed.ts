/** The live feed as every tab sees it: one tab reads the stream, all tabs hear it. */
import { elect } from '~/live/election'
import { type Connection, follow, type LiveEvent, type StreamHooks } from '~/live/stream'

export interface FeedState {
  connection: Connection
  /** When the connection became what it is, and when something was last heard; this computer's clock, ms. */
  since: number
  heard: number
}

export interface FeedListener {
  onEvents?: (events: LiveEvent[]) => void
  onResync?: () => void
  onState?: () => void
}

type Word =
  | { kind: 'events'; events: LiveEvent[]; lastId: string | null }
  | { kind: 'resync'; lastId: string | null }
  | { kind: 'connection'; connection: Connection; lastId: string | null }
  | { kind: 'hello' }

export class Feed {
  state: FeedState = { connection: 'connecting', since: Date.now(), heard: Date.now() }
  private lastId: string | null = null
  private leading = false
  private readonly channel: BroadcastChannel | null
  private readonly listeners = new Set<FeedListener>()
  private leave: () => void = () => undefined

  constructor(
    private readonly name: string,
    private readonly url: StreamHooks['url'],
    private readonly choose: typeof elect = elect,
  ) {
    this.channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(name)
  }

  start(): void {
    if (this.channel) {
      this.channel.onmessage = (message: MessageEvent<Word>) => this.hear(message.data)
      this.tell({ kind: 'hello' })
      this.leave = this.choose(this.name, () => this.lead())
    } else {
      this.leave = this.lead()
    }
  }

  stop(): void {
    this.leave()
    this.channel?.close()
  }

  listen(listener: FeedListener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private lead(): () => void {
    this.leading = true
    // Another tab led, and never said where it was: what came between it and us was heard by nobody.
    let gap = this.lastId === null && this.state.connection !== 'connecting'
    const end = follow(
      {
        url: this.url,
        onEvents: (events, lastId) => this.announce({ kind: 'events', events, lastId }),
        onResync: (lastId) => this.announce({ kind: 'resync', lastId }),
        onConnection: (connection) => {
          this.announce({ kind: 'connection', connection, lastId: this.lastId })
          if (connection !== 'live' || !gap) return
          gap = false
          this.announce({ kind: 'resync', lastId: this.lastId })
        },
      },
      this.lastId,
    )
    return () => {
      this.leading = false
      end()
    }
  }

  private announce(word: Word): void {
    this.tell(word)
    this.hear(word)
  }

  private tell(word: Word): void {
    this.channel?.postMessage(word)
  }

  private hear(word: Word): void {
    if (word.kind === 'hello') {
      if (this.leading) this.tell({ kind: 'connection', connection: this.state.connection, lastId: this.lastId })
      return
    }
    this.lastId = word.lastId ?? this.lastId
    if (word.kind === 'connection') this.become(word.connection)
    else this.state = { ...this.state, heard: Date.now() }
    for (const listener of this.listeners) {
      if (word.kind === 'events' && word.events.length > 0) listener.onEvents?.(word.events)
      if (word.kind === 'resync') listener.onResync?.()
    }
  }

  private become(connection: Connection): void {
    const before = this.state.connection
    if (before === connection) return
    const lost = before === 'live' ? Date.now() : this.state.since
    this.state = { connection, since: connection === 'live' ? Date.now() : lost, heard: this.state.heard }
    for (const listener of this.listeners) listener.onState?.()
  }
}
