export const proof = {
  'proof.verify.title': '文书核验',
} as const
