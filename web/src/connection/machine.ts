// The socket's life: (state, input) → (state, effects). It knows no clock, no chance and no network.
//
//   idle → opening → greeting → open ⇄ waiting (back-off) → opening …        closed = not again by itself

import { LIVE_VERSION, unreachable, type ClientMessage, type Problem, type ServerMessage } from '@/protocol/live'
import { connect, finish, lose, partWith } from './attempts'
import { followedBy } from './following'
import { back, calling, clear, doubt, nudge, ping } from './hints'
import { andThen, isTrying, problem, stay, type Effect, type Input, type Link, type Phase, type Step, type World } from './link'
import { DEAD_MS, OPEN_MS, patience, PING_MS, REFUSALS, RENEW_AGAIN_MS, RENEW_MS } from './patience'
import { askAgain, command, event, quiet, say, settle, subscribe, subscribeCommand, unfollow, unheard } from './saying'

/** What becomes of the link, and what is to be done. */
export function step(link: Link, input: Input, world: World): Step {
  const phase = link.phase
  switch (input.type) {
    case 'start':
      return phase.name === 'idle' || phase.name === 'closed' ? connect({ ...link, refusals: 0, refused: null }, 0, world.now, world) : stay(link)
    case 'stop':
      return partWith(link, null)
    case 'signed_out':
      return partWith(link, problem('auth.required'))
    case 'nudge':
      return nudge(link, world)
    case 'back':
      return back(link, world)
    case 'doubt':
      return doubt(link, world)
    case 'slow':
      return stay({ ...link, slow: input.slow })
    case 'calling':
      return calling(link, input.calling, world)
    case 'clear':
      return clear(link, world)
    case 'tick':
      return tick(link, world)
    case 'opened':
      return input.socket === link.socket && phase.name === 'opening' ? greet(link, input.token, phase, world) : stay(link)
    case 'lost':
      return input.socket === link.socket && isTrying(phase) ? lose(link, world) : stay(link)
    case 'message':
      return input.socket === link.socket && isTrying(phase) ? hear(link, input.message, world) : stay(link)
    case 'token':
      return phase.name === 'open' ? say(withToken(link, input.token, world), [quiet({ type: 'renew', token: input.token })], world) : stay(link)
    case 'command':
      return command(link, input, world)
    case 'subscribe':
      return subscribe(link, input.topic, input.since, world)
    case 'unsubscribe': {
      const next = unfollow(link, { type: 'subscribe', name: input.topic })
      return phase.name === 'open' ? say(next, [quiet({ type: 'unsubscribe', topic: input.topic })], world) : stay(next)
    }
    case 'watch': {
      const next = { ...link, watches: new Set([...link.watches, input.ticket]) }
      return phase.name === 'open' ? say(next, [quiet({ type: 'watch', ticket: input.ticket })], world) : stay(next)
    }
    case 'unwatch':
      return stay(unfollow(link, { type: 'watch', name: input.ticket }))
    default:
      return unreachable(input)
  }
}

/** A token that was said before is as old as it was. */
function withToken(link: Link, token: string, world: World): Link {
  return token === link.token ? link : { ...link, token, renewAt: world.now + RENEW_MS }
}

function greet(link: Link, token: string | null, phase: Extract<Phase, { name: 'opening' }>, world: World): Step {
  if (token === null) return finish(link, problem('auth.required'))
  const hello: ClientMessage = { type: 'hello', version: LIVE_VERSION, token, ...(link.resume === null ? {} : { resume: link.resume }) }
  return {
    link: { ...withToken(link, token, world), phase: { ...phase, name: 'greeting', began: world.now, deadline: world.now + patience(link, OPEN_MS) } },
    effects: [{ do: 'send', message: hello }],
  }
}

function tick(link: Link, world: World): Step {
  const phase = link.phase
  const now = world.now
  switch (phase.name) {
    case 'idle':
    case 'closed':
      return stay(link)
    case 'waiting':
      return now >= phase.until ? connect(link, phase.attempt, phase.since, world) : stay(link)
    case 'opening':
    case 'greeting':
      return now >= phase.deadline ? lose(link, world) : stay(link)
    case 'open': {
      if (now >= phase.deadAt) return lose(link, world)
      const late = [...link.sent].filter(([, one]) => now >= one.deadline)
      const sent = new Map([...link.sent].filter(([, one]) => now < one.deadline))
      const effects: Effect[] = late.filter(([, one]) => one.ref >= 0).map(([, one]) => ({ do: 'settle', ref: one.ref, problem: problem('live.no_answer') }))
      let next: Step = { link: { ...link, sent }, effects }
      next = andThen(next, (one) => askAgain(late.reduce((all, [, { command: said }]) => unheard(all, followedBy(said), world), one), world))
      if (now >= link.renewAt) {
        next = { link: { ...next.link, renewAt: now + RENEW_AGAIN_MS }, effects: [...next.effects, { do: 'renew' }] }
      }
      return now >= phase.pingAt ? andThen(next, (one) => ping(one, world)) : next
    }
    default:
      return unreachable(phase)
  }
}

function hear(link: Link, message: ServerMessage, world: World): Step {
  const heard = alive(link, world)
  switch (message.type) {
    case 'welcome':
      return welcome(heard, message, world)
    case 'pong':
      return stay({ ...heard, offset: message.now - world.now, rtt: heard.pinged?.id === message.id ? world.now - heard.pinged.at : heard.rtt })
    case 'done':
      return settle(heard, message.id, null, world)
    case 'refused':
      return message.id === null && link.phase.name === 'greeting' ? turnedAway(heard, message.problem, world) : settle(heard, message.id ?? -1, message.problem, world)
    case 'event':
      return event(heard, message, world)
    case 'bye':
      return andThen(stay(heard, [{ do: 'deliver', message }]), (one) => turnedAway(one, message.problem, world))
    case 'ticket':
    case 'room':
    case 'door':
    case 'answer':
    case 'offer_refused':
    case 'slots':
    case 'layers':
    case 'offer_again':
    case 'speaker':
    case 'still':
    case 'said':
    case 'media_state':
    case 'room_ended':
      return stay(heard, [{ do: 'deliver', message }])
    default:
      return unreachable(message)
  }
}

function alive(link: Link, world: World): Link {
  return link.phase.name === 'open' ? { ...link, heardAt: world.now, phase: { ...link.phase, deadAt: world.now + patience(link, DEAD_MS) } } : link
}

function welcome(link: Link, message: Extract<ServerMessage, { type: 'welcome' }>, world: World): Step {
  if (link.phase.name !== 'greeting') return stay(link)
  const now = world.now
  const open: Link = {
    ...link,
    resume: message.resume,
    offset: message.now - now,
    refusals: 0,
    refused: null,
    restarts: null,
    pinged: null,
    // The first round trip is that of the greeting.
    rtt: now - link.phase.began,
    heardAt: now,
    queue: [],
    phase: { name: 'open', opened: now, attempt: link.phase.attempt, pingAt: now + PING_MS, deadAt: now + patience(link, DEAD_MS) },
  }
  const again = [
    ...[...link.topics].map(([topic, since]) => subscribeCommand(topic, since)),
    ...[...link.watches].map((ticket) => quiet({ type: 'watch', ticket })),
    ...link.queue,
  ]
  const first = stay(open, [{ do: 'remember', resume: message.resume }, { do: 'deliver', message }])
  return andThen(first, (one) => say(one, again, world))
}

/** The server ends the socket, or did not like the `hello`. */
function turnedAway(link: Link, why: Problem, world: World): Step {
  const code = why.code
  if (['live.replaced', 'live.version_unsupported', 'live.malformed', 'auth.forbidden'].includes(code)) return finish(link, why)
  if (!code.startsWith('auth.')) return lose(link, world, code === 'server.shutting_down')
  const refusals = link.refusals + (link.token === link.refused ? 0 : 1)
  if (refusals > REFUSALS) return finish(link, why)
  return andThen(lose({ ...link, refusals, refused: link.token }, world), (one) => stay(one, [{ do: 'renew' }]))
}
