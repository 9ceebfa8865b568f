import { mainProcess, intentsService } from '@tallystick/host';

await mainProcess('intents', () => intentsService);
