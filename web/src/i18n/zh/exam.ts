export const exam = {
  'exam.title': '四诊',
} as const
