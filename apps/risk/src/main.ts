import { mainProcess, riskService } from '@tallystick/host';

await mainProcess(riskService);
