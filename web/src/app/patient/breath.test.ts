import { expect, it } from 'vitest'
import { secondsLeft, tap, tick, type Breath } from './breath'

it('counts breaths of thirty seconds and says them for a minute', () => {
  let breath: Breath = { state: 'counting', startedAt: 0, taps: [] }
  for (let second = 1; second <= 9; second += 1) breath = tap(breath, second * 3000)
  expect(secondsLeft(breath, 12_000)).toBe(18)
  breath = tick(breath, 29_999)
  expect(breath.state).toBe('counting')
  expect(tick(breath, 30_000)).toEqual({ state: 'done', perMinute: 18, taps: 9 })
})

it('takes the double tap of a trembling hand for one breath', () => {
  const breath = tap(tap({ state: 'counting', startedAt: 0, taps: [] }, 1000), 1100)
  expect(breath).toMatchObject({ taps: [1000] })
})
