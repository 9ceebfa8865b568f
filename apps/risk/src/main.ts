import { mainProcess, riskService } from '@tallystick/host';

await mainProcess('risk', () => riskService);
