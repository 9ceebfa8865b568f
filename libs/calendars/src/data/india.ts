import type { Calendar } from '../calendar.ts';
import { closed, dates, MONDAY_TO_FRIDAY, phase, special } from '../rules.ts';

const WHOLE_DAY = [phase('open', '09:15', '15:30')];
const muhurat = (date: string, from: string, until: string) => special('Muhurat trading on Diwali', dates(date), [phase('open', from, until)], { source: 'NSE circular of that year' });

export const XNSE: Calendar = {
  name: 'XNSE', title: 'National Stock Exchange of India, equities', version: '2026.1', time_zone: 'Asia/Kolkata', from: '2018-01-01', until: '2026-12-31', week: MONDAY_TO_FRIDAY,
  hours: [{ from: '2018-01-01', phases: WHOLE_DAY }],
  rules: [
    closed('Trading holiday', dates(
      '2018-01-26', '2018-02-13', '2018-03-02', '2018-03-29', '2018-03-30', '2018-05-01', '2018-08-15', '2018-08-22', '2018-09-13', '2018-09-20',
      '2018-10-02', '2018-10-18', '2018-11-07', '2018-11-08', '2018-11-23', '2018-12-25')),
    closed('Trading holiday', dates(
      '2019-03-04', '2019-03-21', '2019-04-17', '2019-04-19', '2019-04-29', '2019-05-01', '2019-06-05', '2019-08-12', '2019-08-15', '2019-09-02',
      '2019-09-10', '2019-10-02', '2019-10-08', '2019-10-21', '2019-10-28', '2019-11-12', '2019-12-25')),
    closed('Trading holiday', dates(
      '2020-02-21', '2020-03-10', '2020-04-02', '2020-04-06', '2020-04-10', '2020-04-14', '2020-05-01', '2020-05-25', '2020-10-02', '2020-11-16',
      '2020-11-30', '2020-12-25')),
    closed('Trading holiday', dates(
      '2021-01-26', '2021-03-11', '2021-03-29', '2021-04-02', '2021-04-14', '2021-04-21', '2021-05-13', '2021-07-21', '2021-08-19', '2021-09-10',
      '2021-10-15', '2021-11-04', '2021-11-05', '2021-11-19')),
    closed('Trading holiday', dates(
      '2022-01-26', '2022-03-01', '2022-03-18', '2022-04-14', '2022-04-15', '2022-05-03', '2022-08-09', '2022-08-15', '2022-08-31', '2022-10-05',
      '2022-10-24', '2022-10-26', '2022-11-08')),
    closed('Trading holiday', dates(
      '2023-01-26', '2023-03-07', '2023-03-30', '2023-04-04', '2023-04-07', '2023-04-14', '2023-05-01', '2023-06-29', '2023-08-15', '2023-09-19',
      '2023-10-02', '2023-10-24', '2023-11-14', '2023-11-27', '2023-12-25')),
    closed('Trading holiday', dates(
      '2024-01-22', '2024-01-26', '2024-03-08', '2024-03-25', '2024-03-29', '2024-04-11', '2024-04-17', '2024-05-01', '2024-05-20', '2024-06-17',
      '2024-07-17', '2024-08-15', '2024-10-02', '2024-11-01', '2024-11-15', '2024-11-20', '2024-12-25')),
    closed('Trading holiday', dates(
      '2025-02-26', '2025-03-14', '2025-03-31', '2025-04-10', '2025-04-14', '2025-04-18', '2025-05-01', '2025-08-15', '2025-08-27', '2025-10-02',
      '2025-10-21', '2025-10-22', '2025-11-05', '2025-12-25')),
    closed('Trading holiday', dates(
      '2026-01-15', '2026-01-26', '2026-03-03', '2026-03-26', '2026-03-31', '2026-04-03', '2026-04-14', '2026-05-01', '2026-05-28', '2026-06-26',
      '2026-09-14', '2026-10-02', '2026-10-20', '2026-11-10', '2026-11-24', '2026-12-25')),
    muhurat('2018-11-07', '17:30', '18:30'), muhurat('2019-10-27', '18:15', '19:15'), muhurat('2020-11-14', '18:15', '19:15'), muhurat('2021-11-04', '18:15', '19:15'),
    muhurat('2022-10-24', '18:15', '19:15'), muhurat('2023-11-12', '18:15', '19:15'), muhurat('2024-11-01', '18:00', '19:00'), muhurat('2025-10-21', '13:45', '14:45'),
    special('Union Budget on a weekend', dates('2020-02-01', '2025-02-01', '2026-02-01'), WHOLE_DAY),
    special('Saturday session instead of 22 January', dates('2024-01-20'), WHOLE_DAY),
    special('Saturday session with a change to the disaster recovery site', dates('2024-03-02'), [phase('open', '09:15', '10:00'), phase('open', '11:30', '12:30')]),
    special('Saturday session with a change to the disaster recovery site', dates('2024-05-18'), [phase('open', '09:15', '10:00'), phase('open', '11:45', '12:30')]),
    special('Failure of the exchange, and hours made up', dates('2021-02-24'), [phase('open', '09:15', '11:40'), phase('open', '15:45', '17:00')], { source: 'NSE notices of 24 February 2021' }),
  ],
  auctions: [{ time_in_force: 'OPG', relative_to: 'opening', from_minutes: -15, until_minutes: -7 }],
  source: 'NSE, holidays of the equity segment and circulars of special sessions',
  notes: ['The hour of Muhurat trading of 8 November 2026 is not in this version: the market counts as closed that day. Published times of 18 May 2024 differ; open is what they agree on.'],
};
