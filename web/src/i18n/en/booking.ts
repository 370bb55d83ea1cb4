export const booking = {
  'booking.title': 'Book an appointment',
  'booking.mine.title': 'My appointments',
  'admin.title': 'Administration',
}
