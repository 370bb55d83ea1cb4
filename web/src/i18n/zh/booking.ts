export const booking = {
  'booking.title': '预约看诊',
  'booking.mine.title': '我的预约',
  'admin.title': '管理',
} as const
