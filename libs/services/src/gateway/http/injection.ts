/** Under which Nest hands over the gateway. */
export const GATEWAY = Symbol('tallystick.gateway');
