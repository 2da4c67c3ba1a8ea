import { IsNotEmpty, IsNumber } from 'class-validator';

export class Reading {
  @IsNotEmpty()
  sensor!: string;

  @IsNumber()
  value!: number;
}
