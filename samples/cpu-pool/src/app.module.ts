import { Module } from '@nestjs/common';
import { KafkaModule } from 'nestdaw';
import { Collector } from './collector.js';
import { PictureController } from './picture.controller.js';
import { WorkerModule } from './worker.module.js';

@Module({
  imports: [
    // the file that threads load; the module is imported here too, so that its listeners are known
    KafkaModule.forRoot({ threads: { module: new URL('./worker.module.js', import.meta.url) } }),
    WorkerModule,
  ],
  controllers: [PictureController],
  providers: [Collector],
})
export class AppModule {}
