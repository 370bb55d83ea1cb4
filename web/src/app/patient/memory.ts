import type { Cupboard } from '../session'

/** Small facts of one link that must outlive a reload. What storage refuses is kept as long as the page. */
export interface Memory {
  get(name: string): string | null
  set(name: string, value: string | null): void
}

export function memoryFor(link: string, cupboard: Cupboard): Memory {
  const page = new Map<string, string>()
  const key = (name: string) => `yunzhen.${name}.${link}`
  return {
    get(name) {
      try {
        return cupboard.getItem(key(name)) ?? page.get(name) ?? null
      } catch {
        return page.get(name) ?? null
      }
    },
    set(name, value) {
      if (value === null) page.delete(name)
      else page.set(name, value)
      try {
        if (value === null) cupboard.removeItem(key(name))
        else cupboard.setItem(key(name), value)
      } catch {
        // kept in `page`
      }
    },
  }
}

const LAST = 'yunzhen.last_link'

/** The link that was signed in to last, for pages that were opened without one. */
export function lastLink(): string | null {
  try {
    return localStorage.getItem(LAST)
  } catch {
    return null
  }
}
export function rememberLink(link: string): void {
  try {
    localStorage.setItem(LAST, link)
  } catch {
    // then `/me` asks for the link
  }
}
