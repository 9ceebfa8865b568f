import { mainProcess, fillsService } from '@tallystick/host';

await mainProcess(fillsService);
