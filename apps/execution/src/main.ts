import { mainProcess, executionService } from '@tallystick/host';

await mainProcess('execution', () => executionService);
