import { mainProcess, fillsService } from '@tallystick/host';

await mainProcess('fills', () => fillsService);
