// The signed papers of a visit: as PDF with a code, on two sizes of paper.

import { shallowRef, type ShallowRef } from 'vue'
import type { Http } from '@/protocol/http'
import { useAction, type Action } from './action'
import { saveFile } from './save'

export interface Paper {
  kind: 'record' | 'prescription' | 'referral' | 'opinion'
  number: number
  signed_at: number
  /** The page that says whether it is authentic. */
  link: string
  path: string
}
export const SIZES = ['a4', 'a5'] as const
export type Size = (typeof SIZES)[number]

export interface Papers {
  all: ShallowRef<readonly Paper[]>
  load: Action<[]>
  download: Action<[Paper, Size]>
}

export function usePapers(http: Http, visit: () => string): Papers {
  const all = shallowRef<readonly Paper[]>([])
  return {
    all,
    load: useAction(async () => {
      all.value = await http.get<Paper[]>(`/visits/${visit()}/documents`)
    }),
    download: useAction(async ({ kind, path }: Paper, paper: Size) => saveFile(await http.blob(path, { query: { paper } }), `${kind}.pdf`)),
  }
}
