/** A face of its own: this is the one use case that is HTTP by nature, and who imports the others must not load Nest for it. */
export { GatewayConfigSchema, type GatewayConfig } from './gateway-config.ts';
export type * from './gateway-ports.ts';
export { GatewayModule, GATEWAY_CONTROLLERS } from './gateway.module.ts';
export { TOKEN_SCOPES, tokenDirectory, tokenHash, TokensFile } from './tokens.ts';
