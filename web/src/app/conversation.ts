// What was said at a visit, to read: its lines, its pictures, and nothing to write.

import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'
import type { ChatMessage } from '@/protocol/staff'
import { useAction, type Action } from './action'
import type { Session } from './session'
import { judgePicture, type Verdict } from './askedPicture'

/** The pictures of a conversation. */
export interface Pictures {
  /** The address of a stored picture, for as long as this lives. */
  picture: (attachment: string) => Promise<string>
  /** How good a picture is to judge by. */
  verdict: (attachment: string) => Promise<Verdict | null>
}
export interface Conversation extends Pictures {
  messages: Readonly<ShallowRef<readonly ChatMessage[] | null>>
  /** After the end each read is written down: it is asked for, and never done by the way. */
  load: Action<[]>
}

/** A picture that the doctor asked for: the server gives its line the name of the picture. */
export function isAsked(message: ChatMessage): boolean {
  return message.attachment === message.id
}

export function readMessages(session: Session, visit: string): Promise<ChatMessage[]> {
  return session.http.get<ChatMessage[]>(`/visits/${visit}/messages`)
}

export function useConversation(session: Session, visit: string): Conversation {
  const messages = shallowRef<readonly ChatMessage[] | null>(null)
  return {
    ...usePictures(session),
    messages,
    load: useAction(async () => void (messages.value = await readMessages(session, visit))),
  }
}

/** Each picture is fetched once, and let go when whoever shows it goes. */
export function usePictures(session: Session): Pictures {
  const addresses = new Map<string, Promise<string>>()
  const pictures = new Map<string, Promise<Blob>>()
  const blobOf = (attachment: string): Promise<Blob> => once(pictures, attachment, () => session.http.blob(`/attachments/${attachment}`))
  onScopeDispose(() => {
    for (const address of addresses.values()) void address.then((url) => URL.revokeObjectURL(url), () => undefined)
  })
  return {
    picture: (attachment) => once(addresses, attachment, () => blobOf(attachment).then((blob) => URL.createObjectURL(blob))),
    verdict: async (attachment) => await judgePicture(await blobOf(attachment)),
  }
}

/** The promise of this key; a failed one is forgotten. */
function once<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const found = known.get(key) ?? make()
  known.set(key, found)
  found.catch(() => known.delete(key))
  return found
}
