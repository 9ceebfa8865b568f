import { mainProcess, intentsService } from '@tallystick/host';

await mainProcess(intentsService);
