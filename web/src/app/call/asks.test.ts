import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Refusal } from '@/connection/driver'
import type { Command } from '@/protocol/live'
import { asksOf } from './asks'

let answers: (string | null)[]
let said: Command[]
let room: string | null
const asks = asksOf((command) => {
  said.push(command)
  const code = answers.shift() ?? null
  return code === null ? Promise.resolve() : Promise.reject(new Refusal({ code, message: '' }))
}, () => room)

beforeEach(() => {
  vi.useFakeTimers()
  said = []
  room = 'r'
})
afterEach(() => void vi.useRealTimers())

it('stops the recording, and says it again until it is written as well', async () => {
  answers = ['server.unavailable', 'server.unavailable', null]
  // The person need not wait for the database: nobody is filmed any more.
  await asks.stopRecording()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(said).toEqual(Array(3).fill({ type: 'stop_recording', room: 'r' }))
})

it('says nothing more about a recording once the call is over', async () => {
  answers = ['server.unavailable']
  await asks.stopRecording()
  room = null
  await vi.advanceTimersByTimeAsync(60_000)
  expect(said).toHaveLength(1)
})

it('tells when the server does not stop the recording, so that the other way is taken', async () => {
  answers = ['live.lost']
  await expect(asks.stopRecording()).rejects.toBeInstanceOf(Refusal)
})

it('tells a host in words why somebody is not let in', async () => {
  answers = ['room.full']
  await expect(asks.host('g', 'admit')).rejects.toMatchObject({ name: 'ApiError', code: 'room.full' })
})
