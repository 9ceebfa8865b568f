import type { Calendar } from '../calendar.ts';
import { closed, closesEarly, dates, easter, fixed, fixedOn, MONDAY_TO_FRIDAY, opensLate, phase } from '../rules.ts';

const WEATHER = 'HKEX market communications of the day';

export const XHKG: Calendar = {
  name: 'XHKG', title: 'Hong Kong Exchanges, securities market', version: '2026.1', time_zone: 'Asia/Hong_Kong', from: '2021-01-01', until: '2026-12-31', week: MONDAY_TO_FRIDAY,
  hours: [{ from: '2021-01-01', phases: [phase('open', '09:30', '12:00'), phase('lunch', '12:00', '13:00'), phase('open', '13:00', '16:00')] }],
  rules: [
    closed('The first day of January', dates('2021-01-01', '2023-01-02', '2024-01-01', '2025-01-01', '2026-01-01')),
    closed('Lunar New Year', dates(
      '2021-02-12', '2021-02-15', '2022-02-01', '2022-02-02', '2022-02-03', '2023-01-23', '2023-01-24', '2023-01-25', '2024-02-12', '2024-02-13',
      '2025-01-29', '2025-01-30', '2025-01-31', '2026-02-17', '2026-02-18', '2026-02-19')),
    closed('Ching Ming Festival', dates('2022-04-05', '2023-04-05', '2024-04-04', '2025-04-04', '2026-04-07')),
    closed('Good Friday', easter(-2)),
    closed('Easter Monday', easter(1)),
    closed('The day following Easter Monday or Ching Ming', dates('2021-04-06')),
    closed('Labour Day', dates('2022-05-02', '2023-05-01', '2024-05-01', '2025-05-01', '2026-05-01')),
    closed('The Birthday of the Buddha', dates('2021-05-19', '2022-05-09', '2023-05-26', '2024-05-15', '2025-05-05', '2026-05-25')),
    closed('Tuen Ng Festival', dates('2021-06-14', '2022-06-03', '2023-06-22', '2024-06-10', '2026-06-19')),
    closed('HKSAR Establishment Day', fixed(7, 1)),
    closed('The day following the Mid-Autumn Festival', dates('2021-09-22', '2022-09-12', '2024-09-18', '2025-10-07')),
    closed('National Day', dates('2021-10-01', '2023-10-02', '2024-10-01', '2025-10-01', '2026-10-01')),
    closed('Chung Yeung Festival', dates('2021-10-14', '2022-10-04', '2023-10-23', '2024-10-11', '2025-10-29', '2026-10-19')),
    closed('Christmas Day', fixed(12, 25)),
    closed('The first weekday after Christmas Day', dates('2021-12-27', '2022-12-26', '2022-12-27', '2023-12-26', '2024-12-26', '2025-12-26')),
    closesEarly('Lunar New Year’s Eve', dates('2021-02-11', '2022-01-31', '2024-02-09', '2025-01-28', '2026-02-16'), '12:00'),
    closesEarly('Christmas Eve', fixedOn(12, 24, MONDAY_TO_FRIDAY), '12:00'),
    closesEarly('New Year’s Eve', fixedOn(12, 31, MONDAY_TO_FRIDAY), '12:00'),
    closed('Tropical cyclone or black rainstorm, all day', dates('2021-10-13', '2023-07-17', '2023-09-01', '2023-09-08', '2024-09-06'), { source: WEATHER }),
    opensLate('Black rainstorm in the morning', dates('2021-06-28'), '13:30', { source: WEATHER }),
    opensLate('Tropical cyclone Ma-on in the morning', dates('2022-08-25'), '13:00', { source: WEATHER }),
    opensLate('Tropical cyclone Koinu in the morning', dates('2023-10-09'), '14:00', { source: WEATHER }),
    closesEarly('Tropical cyclone Nalgae', dates('2022-11-02'), '13:55', { source: WEATHER }),
  ],
  auctions: [
    { time_in_force: 'OPG', relative_to: 'opening', from_minutes: -30, until_minutes: -8 },
    { time_in_force: 'CLS', relative_to: 'close', from_minutes: 0, until_minutes: 8 },
  ],
  source: 'HKEX, trading calendar of each year; general holidays gazetted under the General Holidays Ordinance (Cap. 149)',
  notes: ['Since 2024-09-23 the market trades on through severe weather. Before 2021 the parts of days lost to weather are not vouched for here.'],
};
