export const pharmacy = {
  'pharmacy.title': 'Pharmacy',
}
