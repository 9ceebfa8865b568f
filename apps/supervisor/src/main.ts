import { instancesOf, mainProcess, supervisorService } from '@tallystick/host';

await mainProcess('supervisor', (env) => supervisorService(instancesOf(env)));
