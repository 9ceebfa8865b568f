import { applyDecorators, RequestMapping, RequestMethod, SetMetadata } from '@nestjs/common';
import { routeNamed, routerPath } from './exchange.ts';

export const OPERATION = 'tallystick.operation';

/** Binds a method to a route of the table: its path, its method and its scope are read from there. Throws for a name that is not in it. */
export const Operation = (operationId: string): MethodDecorator => {
  const { path, method } = routeNamed(operationId);
  return applyDecorators(RequestMapping({ path: routerPath(path), method: method === 'get' ? RequestMethod.GET : RequestMethod.POST }), SetMetadata(OPERATION, operationId));
};
