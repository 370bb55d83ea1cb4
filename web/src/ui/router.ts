import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'

declare module 'vue-router' {
  interface RouteMeta {
    /** Patients read large and touch; desks read small and type. */
    density?: 'comfortable' | 'compact'
  }
}

const routes: RouteRecordRaw[] = [
  { path: '/v/:link', component: () => import('./patient/PatientFlow.vue'), props: true },
  { path: '/me', component: () => import('./patient/MyVisits.vue') },
  { path: '/me/:link', component: () => import('./patient/MyVisits.vue'), props: true },
  { path: '/v/:link/book', component: () => import('./patient/booking/BookingPage.vue'), props: true },
  { path: '/me/:link/appointments', component: () => import('./patient/booking/MyAppointments.vue'), props: true },
  { path: '/verify/:token', component: () => import('./verify/VerifyPage.vue'), props: true },
  { path: '/i', component: () => import('./guest/GuestPage.vue') },
  { path: '/login', component: () => import('./staff/LoginPage.vue'), meta: { density: 'compact' } },
  { path: '/desk', component: () => import('./desk/DeskPage.vue'), meta: { density: 'compact' } },
  { path: '/nurse', component: () => import('./nurse/NursePage.vue'), meta: { density: 'compact' } },
  { path: '/pharmacy', component: () => import('./pharmacy/PharmacyPage.vue'), meta: { density: 'compact' } },
  { path: '/admin', component: () => import('./admin/AdminPage.vue'), meta: { density: 'compact' } },
  { path: '/admin/safety', component: () => import('./admin/SafetyPage.vue'), meta: { density: 'compact' } },
  { path: '/admin/staff', component: () => import('./admin/StaffPage.vue'), meta: { density: 'compact' } },
  { path: '/admin/proof', component: () => import('./admin/ProofPage.vue'), meta: { density: 'compact' } },
  { path: '/', redirect: '/login' },
  { path: '/:rest(.*)*', component: () => import('./NotFoundPage.vue') },
]

export const router = createRouter({ history: createWebHistory(), routes, scrollBehavior: () => ({ top: 0 }) })

router.beforeEach((to) => {
  document.documentElement.dataset['density'] = to.meta.density ?? 'comfortable'
})
