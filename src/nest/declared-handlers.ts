import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import {
  PARAM_ARGS_METADATA,
  PATTERN_HANDLER_METADATA,
  PATTERN_METADATA,
  TRANSPORT_METADATA,
} from '@nestjs/microservices/constants.js';
import { PatternHandler } from '@nestjs/microservices/enums/pattern-handler.enum.js';
import { RpcParamtype } from '@nestjs/microservices/enums/rpc-paramtype.enum.js';
import { transformPatternToRoute } from '@nestjs/microservices/utils/transform-pattern.utils.js';

/** A method with `@MessagePattern` or `@EventPattern`, once for each of its patterns. */
export interface DeclaredHandler {
  /** In Nest's normal form. */
  readonly pattern: string;
  readonly kind: 'call' | 'event';
  /** The transport that it is bound to; undefined where it is for all. */
  readonly transport: unknown;
  /** The schemas that its parameters declare, by `@Payload({ schema })`. */
  readonly schemas: readonly DeclaredSchema[];
}

export interface DeclaredSchema {
  readonly schema: unknown;
  /** The property of the payload that it is for; undefined for the whole. */
  readonly property: unknown;
}

/** What Nest keeps of a parameter, under its type and index: `'3:0'`. */
interface ParameterMetadata {
  readonly index: number;
  readonly data?: unknown;
  readonly schema?: unknown;
}

/** Finds the handlers that an application declares, in the order in which Nest registers them. */
@Injectable()
export class DeclaredHandlers {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
  ) {}

  find(): DeclaredHandler[] {
    return this.discovery.getControllers().flatMap(({ instance }) => this.handlersOf(instance as unknown));
  }

  private handlersOf(instance: unknown): DeclaredHandler[] {
    if (typeof instance !== 'object' || instance === null) return [];
    const prototype = Object.getPrototypeOf(instance) as object;
    return this.scanner.getAllMethodNames(prototype).flatMap((name) => {
      const method = Reflect.get(prototype, name) as object;
      const handlerType: unknown = Reflect.getMetadata(PATTERN_HANDLER_METADATA, method);
      if (handlerType === undefined) return [];
      const patterns = Reflect.getMetadata(PATTERN_METADATA, method) as string[];
      const kind = handlerType === PatternHandler.EVENT ? 'event' : 'call';
      const transport: unknown = Reflect.getMetadata(TRANSPORT_METADATA, method);
      const schemas = schemasOf(instance.constructor, name);
      return patterns.map((pattern) => ({ pattern: transformPatternToRoute(pattern), kind, transport, schemas }));
    });
  }
}

function schemasOf(controller: object, method: string): DeclaredSchema[] {
  const parameters = (Reflect.getMetadata(PARAM_ARGS_METADATA, controller, method) ?? {}) as Record<
    string,
    ParameterMetadata
  >;
  return Object.entries(parameters)
    .filter(([key, { schema }]) => key.startsWith(`${RpcParamtype.PAYLOAD}:`) && schema !== undefined)
    .map(([, { index, schema, data }]) => ({ index, schema, property: data ?? undefined }))
    .toSorted((one, other) => one.index - other.index);
}
