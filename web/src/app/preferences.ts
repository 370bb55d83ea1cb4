import { ref, watch } from 'vue'
import { setLocale, type Locale } from '@/i18n'

/** What the reader chose for this browser: language and large type. Kept across visits. */
const STORE = 'yunzhen.preferences'

export const elder = ref(false)
export const language = ref<Locale>('zh-CN')

/** Reads `?lang=en`, then the last choice, then the language of the browser. */
export function firstLanguage(query: string, saved: string | undefined, browser: readonly string[]): Locale {
  const asked = new URLSearchParams(query).get('lang') ?? saved
  if (asked) return asked.startsWith('en') ? 'en' : 'zh-CN'
  const first = browser[0] ?? 'zh'
  return first.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en'
}

export async function startPreferences(): Promise<void> {
  const [savedLanguage, savedElder] = (read() ?? '').split('|')
  language.value = firstLanguage(location.search, savedLanguage || undefined, navigator.languages)
  elder.value = savedElder === 'elder'
  await setLocale(language.value)
  watch([language, elder], async () => {
    apply()
    write(`${language.value}|${elder.value ? 'elder' : ''}`)
    await setLocale(language.value)
  })
  apply()
}

function apply(): void {
  document.documentElement.dataset['elder'] = elder.value ? 'on' : 'off'
}

// Storage may be forbidden (private mode, embedded browsers): the choice then lasts as long as the page.
function read(): string | null {
  try {
    return localStorage.getItem(STORE)
  } catch {
    return null
  }
}
function write(text: string): void {
  try {
    localStorage.setItem(STORE, text)
  } catch {
    // see above
  }
}
