import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { useGuest } from './guest'

const TOKEN = 'token-of-one-invitation'
const landing = { institution_name: { zh: '院', en: 'H' }, help_phone: '1', host_name: { zh: '医', en: 'D' }, role: 'family', name: '演示女儿', expires_at: 1 }
const tokens = { access_token: 'a', expires_in: 60, refresh_token: 'r', subject: { kind: 'guest', institution: 'i' } }
let answers: Record<string, [number, unknown]>
const asked: string[] = []

beforeEach(() => {
  localStorage.clear()
  asked.length = 0
  answers = { '/invitations/open': [200, landing], '/invitations/use': [200, tokens] }
  vi.stubGlobal('fetch', async (url: string) => {
    const path = url.replace('/api/v1', '')
    asked.push(path)
    const [status, body] = answers[path] ?? [404, {}]
    return new Response(JSON.stringify(body), { status })
  })
})
afterEach(() => vi.unstubAllGlobals())

async function opened(token: string) {
  const guest = useGuest(token)
  await guest.load()
  return guest
}

describe('whoever holds a link', () => {
  it('is told who invites and as what, and comes in with a name', async () => {
    const guest = await opened(TOKEN)
    expect([guest.step.value, guest.role.value, guest.landing.value?.name]).toEqual(['landing', 'family', '演示女儿'])
    await guest.come.run('演示女儿')
    expect(guest.step.value).toBe('call')
    expect(guest.session.subject.value?.kind).toBe('guest')
  })
  it('comes back after a reload, or by the same link, without spending it again', async () => {
    await (await opened(TOKEN)).come.run('演示女儿')
    asked.length = 0
    // Used: the link still says whose house it is, and no name.
    answers['/invitations/open'] = [200, { ...landing, name: undefined }]
    for (const token of [TOKEN, '']) expect((await opened(token)).step.value).toBe('again')
    expect(asked).toEqual(['/invitations/open'])
    expect((await opened(TOKEN)).landing.value?.institution_name.zh).toBe('院')
  })
  it('learns after a reload that the doctor asked it to leave', async () => {
    await (await opened(TOKEN)).come.run('演示女儿')
    answers['/invitations/open'] = [410, { code: 'invitation.revoked', message: '' }]
    const guest = await opened(TOKEN)
    expect([guest.step.value, guest.end.value]).toEqual(['over', 'removed'])
  })
  it('is not sent round in a circle when the room does not let it in any more', async () => {
    const guest = await opened(TOKEN)
    await guest.come.run('演示女儿')
    await guest.turnedAway('room.full')
    expect(guest.step.value).toBe('call')
    // Its session ended, and the link says why.
    answers['/invitations/open'] = [410, { code: 'invitation.revoked', message: '' }]
    await guest.turnedAway('auth.session_ended')
    expect([guest.step.value, guest.end.value]).toEqual(['over', 'removed'])
    answers['/invitations/open'] = [200, { ...landing, name: undefined }]
    await guest.turnedAway('auth.session_ended')
    expect(guest.end.value).toBe('shut')
    guest.step.value = 'call'
    await guest.turnedAway('')
    expect(guest.step.value).toBe('call')
    guest.session.forget()
    await guest.turnedAway('')
    expect(guest.step.value).toBe('over')
    await guest.turnedAway('visit.ended')
    expect(guest.end.value).toBe('over')
  })
  it('is asked anew by another link', async () => {
    await (await opened(TOKEN)).come.run('演示女儿')
    expect((await opened('another-token')).step.value).toBe('landing')
  })
  it('hears why a link opens no door', async () => {
    answers['/invitations/open'] = [410, { code: 'invitation.revoked', message: '' }]
    const guest = await opened(TOKEN)
    expect([guest.step.value, guest.problem.value?.code]).toEqual(['refused', 'invitation.revoked'])
    expect((await opened('')).step.value).toBe('no_link')
  })
  it('is told that a link was used, and not invited once more', async () => {
    answers['/invitations/open'] = [200, { ...landing, name: undefined }]
    const guest = await opened(TOKEN)
    expect([guest.step.value, guest.problem.value?.code]).toEqual(['refused', 'invitation.used'])
  })
  it('stays at the form when somebody else was faster', async () => {
    answers['/invitations/use'] = [409, { code: 'invitation.used', message: '' }]
    const guest = await opened(TOKEN)
    await guest.come.run('演示女儿')
    expect([guest.step.value, guest.come.error.value?.code]).toEqual(['landing', 'invitation.used'])
  })
})
