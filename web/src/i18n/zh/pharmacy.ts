export const pharmacy = {
  'pharmacy.title': '药师审方',
} as const
